// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace lyceum {

/// A row's identity: 63 bits, in order of their making. 41 bits of milliseconds since 2024-01-01T00:00:00Z, 10 of node, 12 of
/// counter (more than 4,096 in a millisecond borrow from the next one). A string in JSON, since JavaScript's numbers
/// hold only 53 bits.
using id = std::int64_t;

/// The next id of this process. Thread-safe; never repeats and never goes back, whatever the clock does.
id make_id();

/// Which of 1,024 nodes this process is. Default 0; set once, before the first `make_id`.
void set_node(unsigned node);

/// Takes a node by chance, from 1 on, and a place by chance where its counter begins in each millisecond: for processes that share a
/// database and know nothing of each other (an old server and its successor, several servers, commands). Two of them make the same id
/// only where both agree in the same millisecond: once in two million such pairs. To be called once, before the first `make_id`.
void choose_node();

} // namespace lyceum
