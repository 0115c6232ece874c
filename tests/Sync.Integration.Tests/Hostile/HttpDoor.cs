using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Sync.HostileTests.Run;

namespace Sync.Integration.Tests.Hostile;

/// <summary>Raw requests to a service's port.</summary>
internal static class HttpDoor
{
    private const int StatusLength = 12;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Sends bytes and reads how the answer begins; empty when the connection was closed without one.</summary>
    /// <param name="port">Of the service, on loopback.</param>
    /// <param name="request">The bytes.</param>
    /// <param name="endsSending">True: no more comes, so who waits for more can answer now.</param>
    public static async Task<string> RawAsync(int port, byte[] request, bool endsSending)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), limit.Token);
        var first = new byte[64];
        var read = 0;
        try
        {
            await socket.SendAsync(request, limit.Token);
            if (endsSending) socket.Shutdown(SocketShutdown.Send);
            while (read < StatusLength && await socket.ReceiveAsync(first.AsMemory(read), limit.Token) is var count and > 0) read += count;
        }
        catch (SocketException)
        {
            // Reset in the middle of what it does not want to read: closed, too.
        }
        return Encoding.Latin1.GetString(first, 0, read);
    }

    public static Task<string> RawAsync(int port, string request) => RawAsync(port, Encoding.Latin1.GetBytes(request), endsSending: false);

    /// <summary>Damaged requests: each ends with an answer that blames the request, or with a closed connection. Whole ones
    /// among them are answered as ever.</summary>
    /// <param name="port">Of the service, on loopback.</param>
    /// <param name="name">Picks the damage.</param>
    /// <param name="count">How many.</param>
    /// <param name="requests">What is damaged; the first is sent whole, too, and its answer is 200.</param>
    public static async Task ShouldAnswerAsync(int port, string name, int count, params string[] requests)
    {
        var damage = new Damage(requests.Select(Encoding.UTF8.GetBytes), Flavor.Text, name);
        var whole = Encoding.UTF8.GetBytes(requests[0]);
        var (good, bad) = (0, 0);
        for (var index = 0; index < count; index++)
        {
            var isWhole = index % 20 == 0;
            var request = isWhole ? whole : damage.Next();
            var answer = await RawAsync(port, request, endsSending: !isWhole);
            if (isWhole) answer.ShouldStartWith("HTTP/1.1 200 ");
            if (answer.Length == 0) continue;
            var shown = Encoding.Latin1.GetString(request);
            answer.ShouldStartWith("HTTP/1.1 ", Case.Sensitive, shown);
            var status = int.Parse(answer.AsSpan(9, 3), CultureInfo.InvariantCulture);
            // 505 is the one answer above that blames the request: its version of HTTP.
            (status is >= 200 and < 500 or 505).ShouldBeTrue($"{status} to {shown}");
            if (status < 300) good++;
            else bad++;
        }
        good.ShouldBeGreaterThan(10);
        bad.ShouldBeGreaterThan(10);
    }
}
