using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Sync.Testing;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Infra;

/// <summary>
/// The shipped infra/nats/nats.conf, asked by a client that speaks the protocol itself: for every user and subject
/// both halves, as a user with only one of them could do everything in the other.
/// </summary>
public sealed class ShippedBrokerTests(ShippedBrokerTests.Broker broker) : IClassFixture<ShippedBrokerTests.Broker>
{
    private const string Refused = "Permissions Violation";

    private static readonly string[] Reads = ["get", "getmany", "history", "snapshot", "changes", "vaults"];
    private static readonly string[] Writes = ["put", "append"];

    /// <summary>Everything that somebody might try, apart from what the table below allows them.</summary>
    private static readonly string[] Tried =
    [
        "synced.acme._.user.1", "sync.beat.acme", "sync.own.acme", ">", "*.>", "sync.>", "_INBOX.>", "_INBOX.x",
        "_INBOX.writer.x", "_INBOX.replica.x", "_INBOX.insight.x", "_INBOX.client.x", "$SYS.>", "$SYS.REQ.SERVER.PING", "$JS.API.INFO",
        "other.subject", "sync.snapshot.pypi.~.~", "sync.changes.pypi.~.file", "sync.getmany.pypi.~", "sync.vaults.pypi",
        "sync.append.acme._.log", .. Reads.Concat(Writes).Select(verb => $"sync.{verb}.acme._.user.1"),
    ];

    private static readonly Dictionary<string, string[]> MayPublish = new(StringComparer.Ordinal)
    {
        ["writer"] = ["synced.", "sync.beat.", "sync.own."],
        ["replica"] = [.. Reads.Select(verb => $"sync.{verb}.")],
        ["insight"] = ["sync.snapshot.", "sync.changes.", "sync.vaults."],
        ["client"] = [.. Reads.Concat(Writes).Select(verb => $"sync.{verb}.")],
    };

    private static readonly Dictionary<string, string[]> MaySubscribe = new(StringComparer.Ordinal)
    {
        ["writer"] = ["sync.", "_INBOX.writer."],
        ["replica"] = ["synced.", "sync.beat.", "_INBOX.replica."],
        ["insight"] = ["_INBOX.insight."],
        ["client"] = ["synced.", "sync.beat.", "_INBOX.client."],
    };

    public static TheoryData<string> Users => ["writer", "replica", "insight", "client"];

    [Theory]
    [MemberData(nameof(Users))]
    public async Task A_user_publishes_to_its_subjects_only(string user)
    {
        foreach (string subject in Tried.Where(subject => subject.IndexOfAny(['*', '>']) < 0))
        {
            string answer = await broker.AskAsync(user, $"PUB {subject} 0\r\n\r\n");

            answer.Contains(Refused, StringComparison.Ordinal)
                .ShouldBe(!Matches(MayPublish[user], subject), $"{user} publishes to {subject}: {answer}");
        }
    }

    [Theory]
    [MemberData(nameof(Users))]
    public async Task A_user_subscribes_to_its_subjects_only(string user)
    {
        foreach (string subject in Tried)
        {
            string answer = await broker.AskAsync(user, $"SUB {subject} 1\r\n");

            answer.Contains(Refused, StringComparison.Ordinal)
                .ShouldBe(!Matches(MaySubscribe[user], subject), $"{user} subscribes to {subject}: {answer}");
        }
    }

    [Fact]
    public async Task Nobody_gets_in_without_the_password()
    {
        (await broker.AskAsync("", "", password: "")).ShouldContain("Authorization Violation");
        (await broker.AskAsync("writer", "", password: "wrong")).ShouldContain("Authorization Violation");
        (await broker.AskAsync("nobody", "")).ShouldContain("Authorization Violation");
    }

    [Fact]
    public async Task The_writer_answers_a_request_once_asked_and_not_unasked()
    {
        using TcpClient writer = await broker.ConnectAsync("writer");
        using TcpClient replica = await broker.ConnectAsync("replica");
        await Broker.ExchangeAsync(writer, "SUB sync.get.> 1\r\n");
        await Broker.ExchangeAsync(replica, "SUB _INBOX.replica.> 1\r\n");

        string unasked = await Broker.ExchangeAsync(writer, "PUB _INBOX.replica.9 2\r\nno\r\n");
        await Broker.ExchangeAsync(replica, "PUB sync.get.acme._.user.1 _INBOX.replica.7 0\r\n\r\n");
        string answered = await Broker.ExchangeAsync(writer, "PUB _INBOX.replica.7 2\r\nok\r\n");

        unasked.ShouldContain(Refused);
        answered.ShouldNotContain(Refused);
        (await Broker.ExchangeAsync(replica, "")).ShouldContain("MSG _INBOX.replica.7 1 2");
    }

    private static bool Matches(string[] prefixes, string subject) =>
        prefixes.Any(prefix => subject.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>One nats-server with the shipped file and passwords of its own.</summary>
    public sealed class Broker : IAsyncLifetime
    {
        private const string Password = "s0";
        private readonly int _port = Ports.Free();
        private ServiceProcess? _server;

        public async ValueTask InitializeAsync()
        {
            string port = _port.ToString(CultureInfo.InvariantCulture);
            _server = ServiceProcess.Start(new("nats-server")
            {
                Arguments = ["-c", RepoRoot.Combine("infra/nats/nats.conf"), "-a", "127.0.0.1", "-p", port],
                Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
                {
                    ["SYNC_NATS_WRITER_PASSWORD"] = Password,
                    ["SYNC_NATS_REPLICA_PASSWORD"] = Password,
                    ["SYNC_NATS_INSIGHT_PASSWORD"] = Password,
                    ["SYNC_NATS_CLIENT_PASSWORD"] = Password,
                },
            });
            await _server.WaitForLineAsync("Server is ready");
        }

        public async ValueTask DisposeAsync() => await _server!.DisposeAsync();

        /// <summary>One connection, some lines, and everything the server says to them.</summary>
        public async Task<string> AskAsync(string user, string lines, string password = Password)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _port);
            return await ExchangeAsync(client, Connect(user, password) + lines);
        }

        public async Task<TcpClient> ConnectAsync(string user)
        {
            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _port);
            await ExchangeAsync(client, Connect(user, Password));
            return client;
        }

        /// <summary>Sends lines and a ping; returns all up to its pong, or up to the end of the connection.</summary>
        public static async Task<string> ExchangeAsync(TcpClient client, string lines)
        {
            NetworkStream stream = client.GetStream();
            using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await stream.WriteAsync(Encoding.ASCII.GetBytes(lines + "PING\r\n"), bound.Token);
            var answer = new StringBuilder();
            var buffer = new byte[4096];
            while (!answer.ToString().Contains("PONG\r\n", StringComparison.Ordinal))
            {
                int read = await ReadAsync(stream, buffer, bound.Token);
                if (read == 0)
                {
                    break;
                }

                answer.Append(Encoding.ASCII.GetString(buffer, 0, read));
            }

            return answer.ToString();
        }

        private static string Connect(string user, string password) =>
            $"CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\n";

        /// <summary>A server that refused somebody may reset the connection: that is its end too.</summary>
        private static async Task<int> ReadAsync(NetworkStream stream, byte[] buffer, CancellationToken bound)
        {
            try
            {
                return await stream.ReadAsync(buffer, bound);
            }
            catch (IOException)
            {
                return 0;
            }
        }
    }
}
