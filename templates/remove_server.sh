# Ends a server, everything it started and what was started beside it, and forgets them.
pi={{ pi | path }}
name={{ name }}
dir=$pi/servers/$name
end_beside "$pi" "$name"
if [[ ! -d $dir ]]; then return 0; fi
end_session "$dir"
forget "$dir"
