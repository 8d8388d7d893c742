// SPDX-License-Identifier: Apache-2.0
// What may be asked of the tree over the control socket. Not for others.
#pragma once

#include "supervision/control.hpp"
#include "supervision/inside.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum::supervision {

/// Adds tree, show, count, health, crashes and the operators' commands. Those that only read need no scheduler.
void add_tree_commands(system& tree, const std::function<void(std::string, control_handler, bool)>& add);

/// For `wait`: an answer once everything at and below `path` serves, or where there is no such path.
std::optional<control_answer> serving_answer(system& tree, const std::string& path);

struct parsed_line {
  std::string id = "null"; ///< as JSON
  control_request asked;
  milliseconds timeout{30'000}; ///< for `wait`: "timeout_ms", at most ten minutes
  std::string error;            ///< empty: it is a request
};
parsed_line parse_control_line(std::string_view line);

} // namespace lyceum::supervision
