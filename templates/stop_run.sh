# Ends what was started beside a server to take its place; its log stays. The server itself is left alone.
pi={{ pi | path }}
name={{ name }}
server=$pi/servers/$name
read_runs "$server"
find_run "$server" "$current"
dir=$REPLY
end_runs "$server" "$current"
if [[ -d $server ]]; then tidy_runs "$server"; else forget "$server"; fi
if read_record "$dir" && leader_runs; then say $'runs-on\t'"$name"; fi
