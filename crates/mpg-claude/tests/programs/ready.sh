# Answers the first request, as the CLI does once it takes submissions.
read -r line
id=${line#*\"request_id\":\"}
id=${id%%\"*}
echo '{"type":"control_response","response":{"subtype":"success","request_id":"'"$id"'"}}'
