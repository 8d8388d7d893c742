// SPDX-License-Identifier: Apache-2.0
// Chunked bodies (RFC 9112 7.1), strictly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lyceum::http {

/// Decodes a chunked body from pieces of any size. Trailer fields are checked and thrown away.
class chunked_decoder {
public:
  static constexpr std::size_t extension_max = 1024;       ///< bytes of extensions in one chunk's line
  static constexpr std::size_t extensions_max = 16 * 1024; ///< and in all of them
  static constexpr std::size_t trailers_max = 4 * 1024;

  enum class state {
    more,      ///< wants the next octets
    done,      ///< the body is whole
    malformed, ///< 400
    too_large, ///< 413
  };

  explicit chunked_decoder(std::uint64_t body_max) : body_max_(body_max) {}

  /// Takes octets and appends what they carry to `body`. Returns how many it took: all of them while it wants more, up
  /// to the end of the body when done.
  std::size_t feed(std::string_view octets, std::string& body);
  state now() const noexcept { return state_; }

private:
  enum class at { size, extension, size_lf, data, data_cr, data_lf, trailer, last_lf };

  void octet(char c);
  void end_of_size();
  void stop(state with) noexcept { state_ = with; }

  std::uint64_t body_max_;
  std::uint64_t taken_ = 0; ///< bytes of data so far, with this chunk's
  std::uint64_t left_ = 0;  ///< of this chunk
  std::size_t digits_ = 0;
  std::size_t extensions_ = 0;
  std::size_t trailers_ = 0;
  std::string line_; ///< the extension or trailer line being read
  at at_ = at::size;
  state state_ = state::more;
};

/// True for *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ).
bool is_chunk_extension(std::string_view text) noexcept;

} // namespace lyceum::http
