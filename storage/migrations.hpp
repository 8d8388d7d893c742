// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/embedded.hpp"

namespace lyceum::storage {

/// The files of storage/migrations, compiled in (storage/CMakeLists.txt embeds them).
std::span<const embedded_file> migration_files();

} // namespace lyceum::storage
