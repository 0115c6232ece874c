using System.Net;
using System.Net.Sockets;

namespace Sync.Hosting;

/// <summary>Where a service listens: loopback only, since tokens must not travel in clear; beyond it a proxy that ends TLS stands
/// in front.</summary>
public static class Listeners
{
    /// <summary>Reads listening addresses, <c>http://host:port</c> separated by semicolons.</summary>
    /// <param name="urls">The setting's value.</param>
    /// <param name="setting">The setting's full key, for messages.</param>
    /// <returns>The end points; a port of 0 lets the system choose.</returns>
    /// <exception cref="StartupException">Not an http address, or not a loopback one.</exception>
    public static IReadOnlyList<IPEndPoint> ReadLoopback(string urls, string setting)
    {
        ArgumentNullException.ThrowIfNull(urls);
        var endPoints = new List<IPEndPoint>();
        foreach (var url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address.Scheme != Uri.UriSchemeHttp
                || address.AbsolutePath != "/")
                throw Wrong(setting, url, "must be like http://127.0.0.1:5080, several separated by ';'");
            if (!TryLoopback(address.Host, out var ip))
                throw Wrong(setting, url,
                    "only loopback addresses (127.0.0.1, [::1], localhost) are allowed: a token must not travel in clear. "
                    + "Put a proxy that ends TLS in front");
            endPoints.Add(new IPEndPoint(ip, address.Port));
        }
        return endPoints.Count > 0 ? endPoints : throw Wrong(setting, urls, "must name at least one address");
    }

    /// <summary>Refuses an address that another process holds, by name. What takes it between this look and the real
    /// listener is reported by <see cref="ServiceRun"/>.</summary>
    /// <exception cref="StartupException">Taken.</exception>
    public static void RefuseTaken(IEnumerable<IPEndPoint> endPoints, string setting)
    {
        ArgumentNullException.ThrowIfNull(endPoints);
        foreach (var endPoint in endPoints.Where(one => one.Port != 0))
        {
            using var probe = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(endPoint);
                probe.Listen(1);
            }
            catch (SocketException error)
            {
                throw new StartupException(
                    ExitCodes.Unavailable,
                    $"Cannot listen on {endPoint.Address} port {endPoint.Port} ({error.SocketErrorCode}). "
                    + $"Stop what listens there, or change {setting}.",
                    error);
            }
        }
    }

    private static bool TryLoopback(string host, out IPAddress ip)
    {
        if (string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase))
        {
            ip = IPAddress.Loopback;
            return true;
        }
        return IPAddress.TryParse(host.Trim('[', ']'), out ip!) && IPAddress.IsLoopback(ip);
    }

    private static StartupException Wrong(string setting, string value, string allowed) =>
        new(ExitCodes.Configuration, $"{setting} is {value}; {allowed}");
}
