# Notes on the pod that this run of the server has answered with a token, and what is to be said of it all the same, if
# that comes on standard input.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
name={{ name }}

pi=$(expand "$pi")
note=''
IFS= read -r note || true
dir=$pi/servers/$name
read_record "$dir" || die "the server's record is gone"
leader_runs || die "the server's process is gone"
put "$dir/answered" "$leader $started${note:+$'\n'$note}"
