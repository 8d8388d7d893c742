// SPDX-License-Identifier: Apache-2.0
// What may be asked of the tree over the control socket. Not for others.
#pragma once

#include "supervision/control.hpp"
#include "supervision/inside.hpp"

#include <functional>
#include <optional>
#include <string>

namespace lyceum::supervision {

/// Adds tree, show, count, health, crashes, impact and the operators' commands. Those that only read need no scheduler.
void add_tree_commands(system& tree, const std::function<void(std::string, control_handler, bool)>& add);

/// For `wait`: an answer once everything at and below `path` serves, or where there is no such path.
std::optional<control_answer> serving_answer(system& tree, const std::string& path);

/// True for `control` and what lives below it: the operator's own door.
bool in_control(const registry& states, const std::string& path);

/// For `impact PATH [restart|stop|kill]`: whom it touches, what waits there, what is lost and what is kept.
control_answer impact_answer(system& tree, const control_request& asked);

} // namespace lyceum::supervision
