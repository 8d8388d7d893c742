// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/routes/routes.hpp"

namespace lyceum::http {

route_list address_routes(const site_frame&); ///< another mail address
route_list confirm_routes(const site_frame&); ///< once more who it is, before something dangerous

} // namespace lyceum::http
