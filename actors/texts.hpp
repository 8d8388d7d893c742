// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/renderer.hpp"
#include "actors/task.hpp"
#include "supervision/system.hpp"

#include <functional>
#include <string>

namespace lyceum {

/// Makes one text's HTML and keeps it: reads its input, renders it, renders it again with those colours that are known, and saves
/// it. `done` is called once, on any thread: no problem, or the one that ended it. A worker that dies on the way costs a try, of
/// three. Nobody waits on any thread meanwhile.
void make_text(supervision::system& tree, render_desk& desk, std::string key, std::function<void(expected<void>)> done);

} // namespace lyceum
