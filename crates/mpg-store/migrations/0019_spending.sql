-- What was spent on a day, counted from 1970-01-01, for whom. The agent is `@` and its name; it is
-- empty for a default agent, as a key cannot be NULL.
CREATE TABLE spending (
    day          BIGINT NOT NULL,
    project      TEXT   NOT NULL,
    agent        TEXT   NOT NULL,
    platform     TEXT   NOT NULL,
    user         TEXT   NOT NULL,
    microdollars BIGINT NOT NULL,
    PRIMARY KEY (project, agent, platform, user)
);

-- The projects whose budgets do not hold on a day.
CREATE TABLE budget_lift (
    day     BIGINT NOT NULL,
    project TEXT   NOT NULL PRIMARY KEY
);
