# SPDX-License-Identifier: Apache-2.0
# bash completion for lyceum(1). Install as /usr/share/bash-completion/completions/lyceum.

_lyceum() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]:-}
  local commands="serve ctl new import check render migrate user mail version"
  local database="--data --database --config"
  COMPREPLY=()

  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
    return
  fi
  case "$before" in
    --content | --data | --theme) mapfile -t COMPREPLY < <(compgen -d -- "$word") ; return ;;
    --config | --control | --access-log) mapfile -t COMPREPLY < <(compgen -f -- "$word") ; return ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W "debug info warn error" -- "$word") ; return ;;
    --log-format) mapfile -t COMPREPLY < <(compgen -W "auto text json" -- "$word") ; return ;;
    --role) mapfile -t COMPREPLY < <(compgen -W "learner author operator" -- "$word") ; return ;;
    --source) mapfile -t COMPREPLY < <(compgen -W "operator gift paypal" -- "$word") ; return ;;
    --database | --listen | --base-url | --threads | --name | --language | --until | --note | --grant) return ;;
  esac
  local flags="--help"
  case "$command" in
    serve) flags="$flags --content $database --listen --base-url --theme --threads --control --access-log --log-level --log-format --no-heart --replace-content" ;;
    ctl) flags="$flags --control --json --yes --if-gen" ;;
    import) flags="$flags --dry-run --replace-content --json $database" ;;
    check) flags="$flags --json" ;;
    render) flags="$flags --untrusted" ;;
    migrate) flags="$flags --status $database" ;;
    mail) flags="$flags --language --html --text --theme --base-url --list --json" ;;
    user) flags="$flags --name --role --language --until --note --source --grant --base-url --yes --json $database" ;;
  esac
  case "$word" in
    -*) mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word") ;;
    *)
      case "$command" in
        new | import | check) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
        render) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        user) [ "$COMP_CWORD" -eq 2 ] && mapfile -t COMPREPLY < <(compgen -W "add list show grant revoke delete sign-in-link" -- "$word") ;;
        mail)
          case "$COMP_CWORD" in
            2) mapfile -t COMPREPLY < <(compgen -W "preview" -- "$word") ;;
            3) mapfile -t COMPREPLY < <(compgen -W "account_deleted address_changed alert all_well grant_ended granted new_address new_device old_address password_changed second_factor_changed sign_in welcome" -- "$word") ;;
            *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
          esac
          ;;
        ctl) mapfile -t COMPREPLY < <(compgen -W "audit cache chaos console count crashes degrade drain health impact inspect kill mail quarantine reload reset restart resume show start status stop suspend trace tree undegrade upgrade wait watch" -- "$word") ;;
        ctl) mapfile -t COMPREPLY < <(compgen -W "audit cache chaos console count crashes degrade drain health impact inspect kill quarantine reload reset restart resume show start status stop suspend trace tree undegrade upgrade wait watch" -- "$word") ;;
      esac
      ;;
  esac
}
complete -o filenames -F _lyceum lyceum
