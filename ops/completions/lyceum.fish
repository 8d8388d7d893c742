# SPDX-License-Identifier: Apache-2.0
# fish completion for lyceum(1). Install as /usr/share/fish/vendor_completions.d/lyceum.fish.

complete -c lyceum -f
complete -c lyceum -n __fish_use_subcommand -l help -s h -d "this text"
complete -c lyceum -n __fish_use_subcommand -l version -d "print the version"
complete -c lyceum -n __fish_use_subcommand -a serve -d "serve a school"
complete -c lyceum -n __fish_use_subcommand -a ctl -d "see and steer the running server"
complete -c lyceum -n __fish_use_subcommand -a new -d "make a new school"
complete -c lyceum -n __fish_use_subcommand -a import -d "make the database equal to a content folder"
complete -c lyceum -n __fish_use_subcommand -a check -d "look for faults in a content folder"
complete -c lyceum -n __fish_use_subcommand -a render -d "print the HTML for Markdown"
complete -c lyceum -n __fish_use_subcommand -a migrate -d "bring the schema up to date"
complete -c lyceum -n __fish_use_subcommand -a version -d "print the version"

complete -c lyceum -n "__fish_seen_subcommand_from serve" -l help -s h -d "this text"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l content -r -a "(__fish_complete_directories)" -d "the school"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l data -r -a "(__fish_complete_directories)" -d "data folder"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l database -x -d "postgresql://… or sqlite:FILE"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l config -r -F -d "lyceum.toml"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l listen -x -d "where to listen"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l base-url -x -d "how the world calls this site"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l theme -r -a "(__fish_complete_directories)" -d "templates and assets that replace the built-in ones"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l threads -x -d "I/O loops"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l control -r -F -d "socket of lyceum ctl"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l access-log -r -F -a "off stdout" -d "off, stdout or a file"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l log-level -x -a "debug info warn error" -d "how much to tell"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l log-format -x -a "auto text json" -d "how to tell it"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l no-heart -d "no parent process"
complete -c lyceum -n "__fish_seen_subcommand_from serve" -l replace-content -d "the data folder was filled from another one"

complete -c lyceum -n "__fish_seen_subcommand_from ctl" -l help -s h -d "this text"
complete -c lyceum -n "__fish_seen_subcommand_from ctl" -l control -r -F -d "socket"
complete -c lyceum -n "__fish_seen_subcommand_from ctl" -l json -d "for programs"
complete -c lyceum -n "__fish_seen_subcommand_from ctl" -l yes -d "do not ask"
complete -c lyceum -n "__fish_seen_subcommand_from ctl" -l if-gen -x -d "only that life"
complete -c lyceum -n "__fish_seen_subcommand_from ctl" -a "audit cache chaos console count crashes degrade drain health impact inspect kill quarantine reload reset restart resume show start status stop suspend trace tree undegrade upgrade wait watch"

complete -c lyceum -n "__fish_seen_subcommand_from new" -l help -s h -d "this text"
complete -c lyceum -n "__fish_seen_subcommand_from new" -a "(__fish_complete_directories)"

complete -c lyceum -n "__fish_seen_subcommand_from import" -l help -s h -d "this text"
complete -c lyceum -n "__fish_seen_subcommand_from import" -l dry-run -d "change nothing"
complete -c lyceum -n "__fish_seen_subcommand_from import" -l replace-content -d "the data folder was filled from another one"
complete -c lyceum -n "__fish_seen_subcommand_from import" -l json -d "for programs"
complete -c lyceum -n "__fish_seen_subcommand_from import" -l data -r -a "(__fish_complete_directories)" -d "data folder"
complete -c lyceum -n "__fish_seen_subcommand_from import" -l database -x -d "postgresql://… or sqlite:FILE"
complete -c lyceum -n "__fish_seen_subcommand_from import" -l config -r -F -d "lyceum.toml"
complete -c lyceum -n "__fish_seen_subcommand_from import" -a "(__fish_complete_directories)"

complete -c lyceum -n "__fish_seen_subcommand_from check" -l help -s h -d "this text"
complete -c lyceum -n "__fish_seen_subcommand_from check" -l json -d "for programs"
complete -c lyceum -n "__fish_seen_subcommand_from check" -a "(__fish_complete_directories)"

complete -c lyceum -n "__fish_seen_subcommand_from render" -l help -s h -d "this text"
complete -c lyceum -n "__fish_seen_subcommand_from render" -l untrusted -d "as a comment is rendered"
complete -c lyceum -n "__fish_seen_subcommand_from render" -F

complete -c lyceum -n "__fish_seen_subcommand_from migrate" -l help -s h -d "this text"
complete -c lyceum -n "__fish_seen_subcommand_from migrate" -l status -d "change nothing"
complete -c lyceum -n "__fish_seen_subcommand_from migrate" -l data -r -a "(__fish_complete_directories)" -d "data folder"
complete -c lyceum -n "__fish_seen_subcommand_from migrate" -l database -x -d "postgresql://… or sqlite:FILE"
complete -c lyceum -n "__fish_seen_subcommand_from migrate" -l config -r -F -d "lyceum.toml"

complete -c lyceum -n "__fish_seen_subcommand_from version" -l help -s h -d "this text"
