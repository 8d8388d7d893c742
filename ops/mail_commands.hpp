// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/id.hpp"
#include "storage/model/mail.hpp"
#include "supervision/control.hpp"
#include "supervision/system.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lyceum {

/// `mail` as it is typed: what to do, and with which mails.
struct mail_order {
  enum class verb { counts, list, show, retry, retry_failed, drop, pause, resume, suppressed, suppress, unsuppress };
  verb what = verb::counts;
  id number = 0;                   ///< of `show`, `retry`, `drop`
  std::optional<mail_state> state; ///< of `list`
  std::string template_name;       ///< of `list`, `retry --failed`, `pause`, `resume`; empty: all
  std::string recipient;           ///< of `list`, and the address of `suppressed add|remove`
  std::optional<id> before;
  int limit = 50;
};
/// A text: how it is used.
std::variant<mail_order, std::string> parse_mail_order(const std::vector<std::string>& args);

/// Adds to the control socket:
///
///   mail [counts]                           how many mails are in which state: for viewers
///   mail list [--state S] [--template T] [--to ADDRESS] [--before ID] [--limit N] | show ID
///   mail retry ID | retry --failed [TEMPLATE] | drop ID | pause [TEMPLATE] | resume [TEMPLATE]
///   mail suppressed list | add ADDRESS | remove ADDRESS
///
/// All but the first need an operator, since mails name people, and are audited. They go through the database pool: while the database
/// is away they are "unavailable".
void add_mail_commands(supervision::control& control, supervision::system& tree);

} // namespace lyceum
