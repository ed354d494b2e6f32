# Removes what is left of pi on a pod that has no server any more: secrets, tools, what was downloaded to build
# engines. The journal stays, and whatever pi did not put there.
pi={{ pi | path }}
# a server whose record pi does not understand may live from what is here
shopt -s nullglob
left=("$pi"/servers/*/ "$pi"/beside/*/)
if ((${#left[@]})); then
  caution "secrets and tools in $pi stay: a server is left there that may need them: ${left[0]%/}"
  return 0
fi
for name in env env.new tools python cache ${project_id:+"secrets/$project_id" "secrets/$project_id.new"}; do
  rm -rf -- "${pi:?}/$name"
done
for name in engines servers beside secrets; do
  if [[ -d $pi/$name ]]; then rmdir --ignore-fail-on-non-empty -- "$pi/$name"; fi
done
