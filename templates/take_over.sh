# Ends a server, and puts the record of the one that was started beside it, and has answered, in its place. Wherever this
# is broken off, one of the two places tells of the one that runs: its number moves from one to the other at once.
pi={{ pi | path }}
name={{ name }}
dir=$pi/servers/$name new=$pi/beside/$name
if [[ ! -f $new/pid ]]; then
  rm -rf -- "$new"
  return 0
fi
if ! read_record "$new" || ! leader_runs; then die "what was started to take its place is gone; it was left alone"; fi
mkdir -p -- "$dir"
end_session "$dir"
fence
rm -rf -- "$dir/former" "$dir/former.new"
rm -f -- "$dir/answered" "$dir/stopped" "$dir/measured" "$dir/restarts"
# the log as it is: it is being written to
rm -f -- "$dir/server.log.head" "$dir/server.log.old" "$dir/server.log.old.new"
if [[ -f $new/server.log ]]; then
  if [[ -f $dir/server.log ]]; then mv -f -- "$dir/server.log" "$dir/server.log.1"; fi
  mv -f -- "$new/server.log" "$dir/server.log"
fi
for file in "$new"/*; do
  if [[ -f $file && $file != */pid ]]; then
    cp -p --remove-destination -- "$file" "$dir/${file##*/}.new"
    mv -f -- "$dir/${file##*/}.new" "$dir/${file##*/}"
  fi
done
mv -f -- "$new/pid" "$dir/pid"
rm -rf -- "$new"
rmdir --ignore-fail-on-non-empty -- "$pi/beside"
