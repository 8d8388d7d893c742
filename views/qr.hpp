// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace lyceum::views {

/// A QR code (ISO/IEC 18004, error correction M) as an SVG element of dark squares on white, with the four quiet squares around it that the
/// standard asks for. `label` is what a screen reader says. Empty where the text is too long for one (over 2,000 octets).
std::string qr_svg(std::string_view text, std::string_view label);

} // namespace lyceum::views
