using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Sync.Testing.Processes;

/// <summary>Free loopback ports for servers that tests start, kill and start again on the same port.</summary>
public static class Ports
{
    private const int Lowest = 12_000;
    private const int Tries = 200;
    private static readonly Lock Gate = new();
    private static readonly HashSet<int> Given = [];

    /// <summary>A port of 127.0.0.1 that nobody listens on now and that this process was not given before.</summary>
    /// <param name="above">Ports at these distances above it are given with it: 1 or more each.</param>
    /// <remarks>
    /// Taken from below the kernel's range for outgoing connections: inside that range a client which reconnects
    /// to a server that is down can be given the server's own port and then connects to itself, so the server
    /// never gets its port back.
    /// </remarks>
    public static int Free(params int[] above)
    {
        lock (Gate)
        {
            int ceiling = FirstOutgoingPort() - above.DefaultIfEmpty().Max();
            for (int i = 0; i < Tries; i++)
            {
                int port = Random.Shared.Next(Lowest, ceiling);
                int[] all = [port, .. above.Select(distance => port + distance)];
                if (all.All(one => !Given.Contains(one) && CanListen(one)))
                {
                    Given.UnionWith(all);
                    return port;
                }
            }

            throw new InvalidOperationException($"No free port in {Lowest}..{ceiling - 1} after {Tries} tries.");
        }
    }

    private static bool CanListen(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FirstOutgoingPort()
    {
        const string file = "/proc/sys/net/ipv4/ip_local_port_range";
        int first = File.Exists(file)
            ? int.Parse(File.ReadAllText(file).Split('\t', ' ')[0], CultureInfo.InvariantCulture)
            : 32_768;
        return first >= Lowest + 4_000 ? first : 32_768;
    }
}
