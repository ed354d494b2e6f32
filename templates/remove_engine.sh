# Removes one engine's environment.
# shellcheck disable=SC2088 # expanded below
pi={{ pi }}
id={{ id }}

pi=$(expand "$pi")
# a name without a slash, below a directory that is pi's alone
rm -rf -- "$pi/engines/$id"
