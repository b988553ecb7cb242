// A server of the Model Context Protocol with one tool, which asks for a form to be filled in.
const lines = require("node:readline").createInterface({ input: process.stdin });
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
const requestedSchema = {
  type: "object",
  properties: {
    name: { type: "string", title: "Name" },
    age: { type: "integer" },
    vip: { type: "boolean" },
  },
  required: ["name"],
};
const calls = new Map();

lines.on("line", (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === "initialize") {
    const { protocolVersion } = params;
    const serverInfo = { name: "forms", version: "1" };
    send({ id, result: { protocolVersion, capabilities: { tools: {} }, serverInfo } });
  } else if (method === "tools/list") {
    const inputSchema = { type: "object", properties: {} };
    send({ id, result: { tools: [{ name: "book", description: "books", inputSchema }] } });
  } else if (method === "tools/call") {
    calls.set(`form-${id}`, id);
    const form = { message: "Who?", requestedSchema };
    send({ id: `form-${id}`, method: "elicitation/create", params: form });
  } else if (calls.has(id)) {
    const text = JSON.stringify(result);
    send({ id: calls.get(id), result: { content: [{ type: "text", text }] } });
  } else if (id !== undefined && method !== undefined) {
    send({ id, result: {} });
  }
});
