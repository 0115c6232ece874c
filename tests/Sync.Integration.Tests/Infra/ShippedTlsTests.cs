using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Sync.Nats;
using Sync.Testing;
using Sync.Testing.Nats;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Infra;

/// <summary>The shipped infra/nats/nats-tls.conf: what the broker is beyond loopback.</summary>
public sealed class ShippedTlsTests : IAsyncLifetime
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("sync-tls-").FullName;
    private readonly int _port = Ports.Free();
    private ServiceProcess _server = null!;
    private NatsTlsOpts _good = null!;
    private NatsTlsOpts _foreign = null!;
    private NatsTlsOpts _trustsForeign = null!;

    public async ValueTask InitializeAsync()
    {
        using var authority = new TestAuthority(_folder);
        using var other = new TestAuthority(_folder, "other-ca");
        var (serverCert, serverKey) = authority.Sign("server", IPAddress.Loopback);
        var (cert, key) = authority.Sign("client");
        var (foreignCert, foreignKey) = other.Sign("foreign");
        _good = new NatsTlsOpts { CaFile = authority.File, CertFile = cert, KeyFile = key };
        _foreign = _good with { CertFile = foreignCert, KeyFile = foreignKey };
        _trustsForeign = _good with { CaFile = other.File };
        var environment = BrokerConfig.Shipped.PasswordVariables.ToDictionary(
            name => name, _ => (string?)"s0", StringComparer.Ordinal);
        (environment["SYNC_NATS_TLS_CERT"], environment["SYNC_NATS_TLS_KEY"]) = (serverCert, serverKey);
        environment["SYNC_NATS_TLS_CA"] = authority.File;
        _server = ServiceProcess.Start(new("nats-server")
        {
            Arguments =
            [
                "-c", RepoRoot.Combine("infra/nats/nats-tls.conf"), "-a", "127.0.0.1",
                "-p", _port.ToString(CultureInfo.InvariantCulture),
            ],
            Environment = environment,
        });
        await _server.WaitForLineAsync("Server is ready");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Certificate_and_password_together_let_in()
    {
        await using var connection = Connection(_good);
        await connection.ConnectAsync();
        await connection.FlushAsync();
    }

    [Fact]
    public async Task A_certificate_without_the_password_does_not()
    {
        await RefusedAsync(_good, "replica", "wrong", NatsError.Authentication);
        await RefusedAsync(_good, null, null, NatsError.Authentication);
    }

    [Fact]
    public async Task A_password_without_a_certificate_of_the_authority_does_not()
    {
        await RefusedAsync(_good with { CertFile = null, KeyFile = null }, "replica", "s0");
        await RefusedAsync(_foreign, "replica", "s0");
    }

    [Fact]
    public async Task A_broker_of_another_authority_is_not_trusted() =>
        await RefusedAsync(_trustsForeign, "replica", "s0", NatsError.Tls);

    [Fact]
    public async Task Nothing_goes_in_clear()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, _port);
        using var bound = new CancellationTokenSource(Bound);
        using var reader = new StreamReader(client.GetStream());
        (await reader.ReadLineAsync(bound.Token)).ShouldNotBeNull().ShouldContain("\"tls_required\":true");
        var hello = "CONNECT {\"verbose\":false,\"user\":\"replica\",\"pass\":\"s0\"}\r\nPING\r\n";
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(hello), bound.Token);
        (await RestAsync(reader, bound.Token)).ShouldNotContain("PONG");
    }

    private NatsConnection Connection(NatsTlsOpts tls, string? user = "replica", string? password = "s0") => new(new NatsOpts
    {
        Url = $"nats://127.0.0.1:{_port}",
        Tls = tls,
        Username = user,
        Password = password,
        InboxPrefix = "_INBOX.replica",
        ConnectTimeout = TimeSpan.FromSeconds(10),
    });

    private async Task RefusedAsync(NatsTlsOpts tls, string? user, string? password, NatsError? how = null)
    {
        await using var connection = Connection(tls, user, password);
        var error = await Should.ThrowAsync<NatsException>(connection.ConnectAsync().AsTask().WaitAsync(Bound));
        if (how is not null) error.Error.ShouldBe(how.Value);
    }

    private static async Task<string> RestAsync(StreamReader reader, CancellationToken bound)
    {
        try
        {
            return await reader.ReadToEndAsync(bound);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
