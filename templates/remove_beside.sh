# Ends what was started beside a server to take its place, and forgets it. The server itself is left alone.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
name={{ name }}
drain={{ drain }}

pi=$(expand "$pi")
end_beside "$pi" "$name" "$drain"
if read_record "$pi/servers/$name" && leader_runs; then say 'the server itself runs on'; fi
