# Ends a server, everything it started and what was started beside it; its record and its log stay.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
name={{ name }}
drain={{ drain }}

pi=$(expand "$pi")
dir=$pi/servers/$name
if [[ ! -d $dir ]]; then return 0; fi
: >"$dir/stopped"
end_beside "$pi" "$name" "$drain"
end_session "$dir" "$drain"
rm -f -- "$dir/answered"
