// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/config.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The command line of `lyceum`, read into values. Runs nothing.
namespace lyceum::cli {

struct serve {
  config_flags flags;
};
/// Everything after `ctl` as it stands, `--help` included: the control client reads it.
struct ctl {
  std::vector<std::string> arguments;
};
/// `lyceum new DIR`.
struct new_school {
  std::filesystem::path directory;
};
struct import {
  std::filesystem::path source;
  bool dry_run = false;
  bool replace_content = false;
  bool json = false;
  config_flags flags; ///< --data, --database, --config
};
struct check {
  std::filesystem::path directory;
  bool json = false;
};
struct render {
  bool untrusted = false;
  std::optional<std::filesystem::path> file; ///< absent or "-": standard input
};
struct migrate {
  bool status = false;
  config_flags flags; ///< --data, --database, --config
};
/// `lyceum user ACTION …`: who may sign in, and what they may read.
struct user {
  std::string action;  ///< "add", "list", "show", "grant", "revoke", "delete" or "sign-in-link"
  std::string address; ///< for all but `list`
  std::string plan;    ///< for `grant`, and for `revoke` without --grant
  std::optional<std::string> name, role, language;
  std::optional<std::string> until, note, source;
  std::optional<std::string> grant; ///< an id, in the place of a plan
  bool yes = false;
  bool json = false;
  config_flags flags; ///< --data, --database, --config, --base-url
};
/// `lyceum mail preview TEMPLATE [DETAILS]`: a mail as the school would send it, sent to nobody.
struct mail {
  std::string template_name;
  std::optional<std::filesystem::path> details; ///< a JSON file, "-" for standard input; absent: the template's sample
  std::optional<std::string> language, base_url;
  std::optional<std::filesystem::path> theme;
  bool html = false;
  bool text = false;
  bool list = false;
  bool json = false;
};
struct version {};

/// Nothing is left to run: help was asked for (status 0, text for stdout) or the usage is wrong (2, text for stderr).
struct finished {
  int status = 0;
  std::string text;
};

using command = std::variant<finished, serve, ctl, new_school, import, check, render, migrate, user, mail, version>;

/// Exit statuses, as everywhere in `lyceum`.
inline constexpr int status_done = 0;
inline constexpr int status_failed = 1;
inline constexpr int status_usage = 2;
inline constexpr int status_not_running = 3;
inline constexpr int status_cut = 70; ///< a shutdown that its deadline cut

/// `arguments` without the program's name. Never throws for what a person typed.
command parse(const std::vector<std::string>& arguments);

/// The commands that exist, and the long flags of one of them ("" for `lyceum` itself): for completions and their test.
std::vector<std::string> commands();
std::vector<std::string> flags_of(std::string_view name);

} // namespace lyceum::cli
