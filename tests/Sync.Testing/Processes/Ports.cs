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
    /// <remarks>
    /// Taken from below the kernel's range for outgoing connections: inside that range a client which reconnects
    /// to a server that is down can be given the server's own port and then connects to itself, so the server
    /// never gets its port back.
    /// </remarks>
    public static int Free()
    {
        lock (Gate)
        {
            int ceiling = FirstOutgoingPort();
            for (int i = 0; i < Tries; i++)
            {
                int port = Random.Shared.Next(Lowest, ceiling);
                if (!Given.Contains(port) && CanListen(port))
                {
                    Given.Add(port);
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
