# Ends a server, everything it started and what was started beside it, and forgets them.
pi={{ pi | path }}
name={{ name }}
end_runs "$pi/servers/$name"
forget "$pi/servers/$name"
