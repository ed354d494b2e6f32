# Makes a server the project's that asks for it: its record of whose it is changes, the server itself goes on untouched.
pi={{ pi | path }}
name={{ name }}
if [[ ! -d $pi/servers/$name ]]; then die "it is gone"; fi
own "$pi/servers/$name"
