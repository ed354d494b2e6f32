# Ends a server and everything it started; its record and its log stay.
pi={{ pi }}
name={{ name }}
drain={{ drain }}

pi=$(expand "$pi")
dir=$pi/servers/$name
if [[ ! -d $dir ]]; then return 0; fi
: >"$dir/stopped"
end_session "$dir" "$drain"
rm -f -- "$dir/answered"
