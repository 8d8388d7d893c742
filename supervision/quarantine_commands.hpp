// SPDX-License-Identifier: Apache-2.0
// What may be asked of the quarantine over the control socket. Not for others.
#pragma once

#include "supervision/control.hpp"

#include <functional>
#include <string>

namespace lyceum::supervision {

/// Adds `quarantine`:
///   list         what is held, and what is suspected (with `id` 0); the newest first
///   show ID      all that is known of one
///   replay ID    lets it in again, its deaths forgotten; a message that is still kept is sent to its reader once more
///   drop ID      forgets it; an equal one is let in, and counted anew
/// Runs on the control thread and needs no scheduler.
void add_quarantine_commands(system& tree, const std::function<void(std::string, control_handler, bool)>& add);

} // namespace lyceum::supervision
