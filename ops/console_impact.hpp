// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "supervision/registry.hpp"
#include "views/console.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lyceum {

/// What a command would touch, what waits, what learners notice and how it ends: asked before it is done. Nothing where there is no
/// such child, or no such command for a person ("remove").
std::optional<views::console_question> console_impact(const supervision::registry& states, const std::string& path,
                                                      const std::string& op);
/// The commands that make sense for this child now: ("restart", "Restart") …
std::vector<std::pair<std::string, std::string>> console_commands(const supervision::registry& states,
                                                                  const std::string& path);

} // namespace lyceum
