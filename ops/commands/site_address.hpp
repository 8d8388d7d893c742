// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/config.hpp"

#include <string>

namespace lyceum {

/// The address of the site in links: the configured one, else where the server of this data folder listens. Empty where neither is known.
std::string site_address(const config& cfg);

} // namespace lyceum
