using System.Net.Sockets;

namespace Sync.Client.Internal;

/// <summary>What a request throws when its connection was lost.</summary>
internal static class LostConnection
{
    /// <summary>True for all forms of it. A peer that resets a connection in the moment it stands makes <see cref="HttpClient"/> throw the
    /// bare <see cref="SocketException"/>: it asks the socket for its other end.</summary>
    public static bool Is(Exception error) => error is HttpRequestException or IOException or SocketException;
}
