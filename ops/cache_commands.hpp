// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/page_table.hpp"
#include "http/front.hpp"
#include "supervision/control.hpp"

#include <functional>

namespace lyceum {

/// Adds `cache stats|list [N]|show KEY|evict KEY|evict --tag TAG|warm` to the control socket. They read the table, so they work
/// while the page cache is away; `evict` and `warm` wait for it.
void add_cache_commands(supervision::control& control, supervision::system& tree, page_table& pages,
                        std::size_t bytes_max, std::function<http::front_stats()> traffic);

} // namespace lyceum
