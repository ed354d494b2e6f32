# Keeps the record of a server that has answered, so that it can be started again if a changed one does not come up.
# Where the disk is full this fails, before anything was stopped.
pi={{ pi | path }}
name={{ name }}
dir=$pi/servers/$name
answered=''
if [[ -f $dir/answered ]]; then IFS= read -r answered <"$dir/answered" || true; fi
if ! read_record "$dir" || [[ $answered != "$leader $started" ]]; then return 0; fi
rm -rf -- "$dir/former.new"
mkdir -- "$dir/former.new"
for file in "$dir"/*; do
  case ${file##*/} in
    pid | answered | restarts | stopped | left | failed | took | former | former.new | *.new | *.log | *.log.*) ;;
    *) if [[ -f $file ]]; then cp -p -- "$file" "$dir/former.new/"; fi ;;
  esac
done
rm -rf -- "$dir/former"
mv -T -- "$dir/former.new" "$dir/former"
