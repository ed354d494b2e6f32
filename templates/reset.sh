# shellcheck shell=bash disable=SC2034 # what stands behind it uses it
# Stands before the runner and what runs alone: whatever a login has set, they find the shell that they were written for.
# bash is started with -p, so it has not read BASH_ENV, and has taken no options (SHELLOPTS, BASHOPTS), no functions, no
# CDPATH and no GLOBIGNORE from the environment. What is left is undone here, also for the programs that are started.
set +o posix
export -n SHELLOPTS BASHOPTS BASH_XTRACEFD # to unset that one closes its file
unset -v POSIXLY_CORRECT BASH_ENV ENV BASH_COMPAT CDPATH EXECIGNORE FUNCNEST GLOBIGNORE GLOBSORT TMOUT
LC_ALL=C # lengths are bytes
SHLVL=2  # else each bash below sshd reads ~/.bashrc anew, which may be slow and may print
for pi_dir in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
  # the last ones: what the login finds first stays first
  [[ :$PATH: == *:$pi_dir:* ]] || PATH=${PATH:+$PATH:}$pi_dir
done
export PATH
[[ $PWD -ef . ]] || cd ~ || cd / # it was removed
unset -v pi_dir
