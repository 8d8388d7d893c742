// SPDX-License-Identifier: Apache-2.0
// Colours for code by the external program `highlight`: its command line, its output checked, one process a batch.
#pragma once

#include "storage/model/expected.hpp"
#include "storage/model/rendered.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace lyceum::views {

/// Blocks of one language for one process; longer lists are the caller's to split.
inline constexpr std::size_t highlight_blocks_max = 512;
/// Source code of one batch, and what the program may write for it, in bytes.
inline constexpr std::size_t highlight_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t highlight_output_max = 32 * highlight_bytes_max;

struct highlight_batch {
  std::string language; ///< as in code_block: from our list, not empty
  std::vector<code_block> blocks;
};

/// By block hash what goes inside <code>: escaped text and <span class="hl xxx">, one deep.
using highlighted = std::vector<std::pair<std::string, std::string>>;

/// Is there a `highlight` program on PATH?
bool highlight_available();

/// Colours a batch in one process: each block is a file of its own, so an unclosed string ends with its block. Blocks
/// to the calling thread until the process has ended; files stand in a private folder that is gone afterwards.
/// `on_start` hears the process id, for whoever must be able to interrupt: kill it, and this returns. What the program
/// writes is checked (see `checked_colours`); a block that fails the check comes back plain.
///   invalid      an unknown language, or no blocks
///   too_large    more blocks or bytes than allowed; nothing was started
///   timeout      not done by `deadline`; the process was killed
///   unavailable  the program is missing, was killed, or failed
expected<highlighted> run_highlight(const highlight_batch& batch, std::chrono::steady_clock::time_point deadline,
                                    const std::function<void(pid_t)>& on_start = {});

/// The program's arguments for files in `folder` (testing aid; the first is the program's name).
std::vector<std::string> highlight_arguments(std::string_view syntax, const std::string& folder, std::size_t files);

/// `fragment` in our form when it is `code` in <span class="hl xxx"> and nothing else: operators uncoloured, neighbours
/// of one class joined. Otherwise `code`, escaped and plain.
std::string checked_colours(std::string_view fragment, std::string_view code);

} // namespace lyceum::views
