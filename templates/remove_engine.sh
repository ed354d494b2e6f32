# Removes one engine's environment.
pi={{ pi | path }}
id={{ id }}
# a name without a slash, below a directory that is pi's alone
rm -rf -- "$pi/engines/$id"
