// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace lyceum::storage {

class db;

/// More to write in the transaction of a verb, once it is done: the mail that tells of it into the outbox. Is given what the verb returns;
/// what it throws undoes the verb, too.
template <class T>
using also_of = std::function<void(db&, const T&)>;

} // namespace lyceum::storage
