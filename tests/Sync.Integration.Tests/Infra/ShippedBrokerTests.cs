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

    public static TheoryData<string> Users => [.. BrokerConfig.Shipped.Users];

    [Fact]
    public void The_table_of_rights_knows_every_user_and_every_kind_of_subject()
    {
        BrokerConfig.Shipped.Users.ShouldBe(BrokerRights.Users, ignoreOrder: true);
        BrokerRights.Used.Select(sample => sample.Kind).Distinct(StringComparer.Ordinal)
            .ShouldBe(BrokerRights.Kinds, ignoreOrder: true);
    }

    [Theory]
    [MemberData(nameof(Users))]
    public async Task A_user_publishes_to_its_subjects_only(string user)
    {
        foreach (var sample in All.Where(sample => sample.Subject.IndexOfAny(['*', '>']) < 0))
        {
            string answer = await broker.AskAsync(user, $"PUB {sample.Subject} 0\r\n\r\n");

            answer.Contains(Refused, StringComparison.Ordinal)
                .ShouldBe(!BrokerRights.MayPublish(user, sample), $"{user} publishes to {sample.Subject}: {answer}");
        }
    }

    [Theory]
    [MemberData(nameof(Users))]
    public async Task A_user_subscribes_to_its_subjects_only(string user)
    {
        foreach (var sample in All)
        {
            string answer = await broker.AskAsync(user, $"SUB {sample.Subject} 1\r\n");

            answer.Contains(Refused, StringComparison.Ordinal)
                .ShouldBe(!BrokerRights.MaySubscribe(user, sample), $"{user} subscribes to {sample.Subject}: {answer}");
        }
    }

    [Theory]
    [MemberData(nameof(Users))]
    public void No_grant_is_wider_than_what_is_used(string user)
    {
        var (publish, subscribe) = (BrokerConfig.Shipped.MayPublish(user), BrokerConfig.Shipped.MaySubscribe(user));
        publish.ShouldAllBe(grant => All.Any(sample => BrokerRights.MayPublish(user, sample) && Covers(grant, sample.Subject)));
        subscribe.ShouldAllBe(grant => All.Any(sample => BrokerRights.MaySubscribe(user, sample) && Covers(grant, sample.Subject)));
    }

    [Fact]
    public async Task What_a_wildcard_takes_in_does_not_bring_the_tokens()
    {
        using TcpClient writer = await broker.ConnectAsync("writer");
        using TcpClient client = await broker.ConnectAsync("client");
        using TcpClient replica = await broker.ConnectAsync("replica");
        await Broker.ExchangeAsync(client, "SUB synced.> 1\r\n");
        await Broker.ExchangeAsync(replica, "SUB synced.> 1\r\n");

        await Broker.ExchangeAsync(
            writer, "PUB synced._access._.token.1 1\r\nx\r\nPUB synced.acme._.user.1 1\r\nx\r\n");

        (await Broker.ExchangeAsync(replica, "")).ShouldContain("MSG synced._access._.token.1");
        string seen = await Broker.ExchangeAsync(client, "");
        seen.ShouldContain("MSG synced.acme._.user.1");
        seen.ShouldNotContain("_access");
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

    private static IEnumerable<SubjectSample> All => BrokerRights.Used.Concat(BrokerRights.Others);

    private static bool Covers(string grant, string subject) => grant.EndsWith('>')
        ? subject.StartsWith(grant[..^1], StringComparison.Ordinal)
        : grant.Split('.').Length == subject.Split('.').Length
            && grant.Split('.').Zip(subject.Split('.')).All(pair => pair.First == "*" || pair.First == pair.Second);

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
                Environment = BrokerConfig.Shipped.PasswordVariables.ToDictionary(
                    name => name, _ => (string?)Password, StringComparer.Ordinal),
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
