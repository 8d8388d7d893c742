// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/config.hpp"

#include <chrono>
#include <optional>
#include <string>

/// What `serve` looks at before it starts or writes anything: what is wrong here is told once, with status 1, instead of
/// in a boot loop.
namespace lyceum::preflight {

/// A server that lives on this data folder, or answers at this control socket; one that is just ending is waited for, at most
/// `patience`. Writes nothing: the files in data/run are the other one's. Not for a server that a heart or systemd has
/// started: its heart has looked, and what it replaces may still be ending.
std::optional<std::string> another_server(const config& cfg, std::chrono::milliseconds patience);

/// Why a folder cannot be read as a school's: it is not there, is no folder, or this user may not read it.
std::optional<std::string> unreadable(const std::filesystem::path& folder);

/// Content, folders, control socket, theme. Makes the data folder's own folders where they are missing.
std::optional<std::string> what_is_wrong(const config& cfg);

} // namespace lyceum::preflight
