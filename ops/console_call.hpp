// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/routes/ops.hpp"
#include "supervision/control.hpp"

#include <functional>
#include <string>
#include <vector>

namespace lyceum {

/// Does what somebody in the console ordered, as the control socket would: same commands, roles, audit and guard. Never blocks;
/// `then` is called once, on any thread.
void console_call(supervision::control& control, const http::console_desk::order& what,
                  std::function<void(http::console_desk::outcome)> then);

/// The same for what changes rows: `account WORD…` (ops/account_commands.hpp), `mail WORD…` (ops/mail_commands.hpp).
void console_data_call(supervision::control& control, const std::string& command, std::vector<std::string> words,
                       const http::operator_session& who, std::function<void(http::console_desk::outcome)> then);

} // namespace lyceum
