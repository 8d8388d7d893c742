// SPDX-License-Identifier: Apache-2.0
// The console's routes. All are answered by the loops: they serve while sessions, storage, cache and rendering are away.
#pragma once

#include "actors/mail_state.hpp"
#include "http/front.hpp"
#include "http/passes.hpp"
#include "views/console.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lyceum::http {

/// What the console's routes are given. Every function is called on a loop, so it must be quick, and thread-safe.
struct console_desk {
  struct order {
    std::string path, op;
    std::uint64_t generation = 0; ///< the command is for this life alone
    operator_session who;
  };
  struct outcome {
    bool ok = false;
    std::string text; ///< a sentence: what came of it, or why not and what to do
    std::string
        code{}; ///< where not ok, the control socket's: "conflict", "unavailable" …; "timeout" and "unknown": it may be done
  };
  using commands_of = std::vector<std::pair<std::string, std::string>>; ///< ("restart", "Restart")

  std::shared_ptr<passes> gate;
  std::function<std::shared_ptr<const views::theme>()> look;
  std::function<views::console_view()> state;
  /// Nothing where there is no such child, or no such command.
  std::function<std::optional<views::console_question>(const std::string& path, const std::string& op)> question;
  std::function<commands_of(const std::string& path)> commands;
  /// Does it, and calls back once, on any thread.
  std::function<void(order, std::function<void(outcome)>)> act;
  /// How mail goes, as far as the mailer has told.
  struct mail_now {
    mail_facts facts;
    mail_figures figures;
  };
  std::function<mail_now()> mail;
  /// For accounts and mails, which need the database: the tree's page does not. Without `ask` there are no such pages.
  struct data_desk {
    /// Asks the database, which may be away: one of the two is called once, on any thread.
    std::function<void(std::function<void(storage::db&)> work, std::function<void(const problem&)> failed)> ask;
    /// Does it as `COMMAND WORD…` on the control socket would, audited.
    std::function<void(const std::string& command, std::vector<std::string> words, const operator_session& who,
                       std::function<void(outcome)>)>
        act;
  };
  data_desk data;
  std::shared_ptr<broadcast> frames;
  std::string secure_host; ///< Host of the base URL where that is https; empty: no TLS in front
};

/// `/ops` and what is below it, and the console's own assets.
std::vector<io_route> console_routes(console_desk desk);

} // namespace lyceum::http
