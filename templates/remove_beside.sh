# Ends what was started beside a server to take its place, and forgets it. The server itself is left alone.
pi={{ pi | path }}
name={{ name }}
end_beside "$pi" "$name"
if read_record "$pi/servers/$name" && leader_runs; then say $'runs-on\t'"$name"; fi
