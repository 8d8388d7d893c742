// SPDX-License-Identifier: Apache-2.0
// Accounts over the control socket, for the console: `account add|grant|revoke|end_session|end_sessions|sign_in_link|delete …`. `lyceum user`
// does the same on the command line.
#pragma once

#include "supervision/control.hpp"
#include "supervision/system.hpp"

#include "storage/model/id.hpp"

#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace lyceum {

/// What is to be done to an account.
struct account_order {
  enum class verb { add, grant, revoke, end_session, end_sessions, sign_in_link, remove };
  verb what = verb::grant;
  id account_id = 0;   ///< of all but `add`
  id target = 0;       ///< the grant, or the session
  std::string address; ///< of `add`; of `remove`: whose account it is, as somebody typed it who means it
  std::string name;    ///< of `add`
  std::string role;    ///< of `add`: "learner", "author" or "operator"
  std::string plan;    ///< of `grant`
  std::string until;   ///< "2027-01-01", or a time; empty: for ever
  std::string note;    ///< for operators
};

/// From the words behind `account`. A text: what is wrong with them.
///   add ADDRESS NAME ROLE | grant ACCOUNT PLAN UNTIL NOTE | revoke ACCOUNT GRANT | end_session ACCOUNT SESSION |
///   end_sessions ACCOUNT | sign_in_link ACCOUNT | delete ACCOUNT ADDRESS
std::variant<account_order, std::string> parse_account_order(const std::vector<std::string>& args);

/// What the acts need to know of the site.
struct account_surroundings {
  std::string timezone; ///< IANA: of ends that are dates
  std::string base_url; ///< of links in mails
};

/// Adds the command: for operators, audited without addresses. It answers once the change is committed; "unavailable" where the database is away.
void add_account_commands(supervision::control& control, supervision::system& tree,
                          std::function<account_surroundings()> around);

} // namespace lyceum
