// SPDX-License-Identifier: Apache-2.0
// The two engines behind `open`. For storage/db.cpp alone.
#pragma once

#include "storage/db.hpp"

namespace lyceum::storage {

std::unique_ptr<db> open_sqlite(const std::string& path, mode how, const limits& waits);
std::unique_ptr<db> open_postgres(const std::string& url, mode how, const limits& waits);

} // namespace lyceum::storage
