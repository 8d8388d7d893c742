// SPDX-License-Identifier: Apache-2.0
// What the site's actors say to each other. CAF 0.17's atoms hold ten characters.
#pragma once

#include "actors/task.hpp"

#include <caf/all.hpp>

#include <memory>
#include <string>
#include <vector>

namespace lyceum {

using hello_atom = caf::atom_constant<caf::atom("hello")>;   ///< a worker is there and idle
using who_atom = caf::atom_constant<caf::atom("who")>;       ///< a new pool asks its workers to say hello
using look_atom = caf::atom_constant<caf::atom("look")>;     ///< something changed: look now
using tick_atom = caf::atom_constant<caf::atom("tick")>;     ///< a timer of one's own
using import_atom = caf::atom_constant<caf::atom("import")>; ///< import everything, or the paths that follow
using warm_atom = caf::atom_constant<caf::atom("warm")>;     ///< bring pages into the table
using paths_ptr = std::shared_ptr<std::vector<std::string>>;

} // namespace lyceum

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::db_task_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::render_task_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::job_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::paths_ptr)
