using System.Net;
using Shouldly;
using Sync.Nats;
using Sync.Testing.Nats;
using Xunit;

namespace Sync.Integration.Tests.Nats;

/// <summary>TLS against the real server with an authority made for the test.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("sync-tls-").FullName;
    private NatsServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        using var ca = new TestAuthority(_folder);
        using var otherCa = new TestAuthority(_folder, "other-ca");
        ca.Sign("server", IPAddress.Loopback);
        ca.Sign("client");
        _server = await NatsServer.StartAsync(
            $"tls {{ cert_file: \"{Pem("server")}\", key_file: \"{Pem("server-key")}\", ca_file: \"{Pem("ca")}\"," +
            " verify: true, timeout: 10 }");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_trusted_server_and_client_talk_and_reconnect_over_tls()
    {
        await using var connection = new NatsConnection(Opts(new NatsTlsOpts
        {
            CaFile = Pem("ca"),
            CertFile = Pem("client"),
            KeyFile = Pem("client-key"),
        }));
        await connection.ConnectAsync();
        await using var subscription = await connection.SubscribeCoreAsync("s");
        var payload = new byte[300_000];
        new Random(7).NextBytes(payload);
        await connection.PublishAsync("s", payload);
        using var bound = new CancellationTokenSource(Bound);
        await foreach (var message in subscription.ReadAllAsync(bound.Token))
        {
            message.Data.Span.SequenceEqual(payload).ShouldBeTrue();
            break;
        }

        var again = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionOpened += (_, e) =>
        {
            if (e.Epoch > 1)
                again.TrySetResult();
        };
        await _server.RestartAsync();
        await again.Task.WaitAsync(Bound);
        await connection.FlushAsync();
    }

    [Fact]
    public async Task An_unknown_authority_is_refused()
    {
        await using var connection = new NatsConnection(Opts(new NatsTlsOpts
        {
            CaFile = Pem("other-ca"),
            CertFile = Pem("client"),
            KeyFile = Pem("client-key"),
        }));
        (await Should.ThrowAsync<NatsException>(connection.ConnectAsync().AsTask())).Error.ShouldBe(NatsError.Tls);
    }

    [Fact]
    public async Task A_name_that_the_certificate_lacks_is_refused()
    {
        await using var connection = new NatsConnection(
            Opts(new NatsTlsOpts { CaFile = Pem("ca"), CertFile = Pem("client"), KeyFile = Pem("client-key") }) with
            {
                Url = $"tls://localhost:{_server.Port}",
            });
        (await Should.ThrowAsync<NatsException>(connection.ConnectAsync().AsTask())).Error.ShouldBe(NatsError.Tls);
    }

    [Fact]
    public async Task Without_the_clients_certificate_the_server_refuses()
    {
        await using var connection = new NatsConnection(Opts(new NatsTlsOpts { CaFile = Pem("ca") }));
        await Should.ThrowAsync<NatsException>(connection.ConnectAsync().AsTask());
    }

    [Fact]
    public async Task A_server_without_tls_gets_no_credentials_in_clear()
    {
        await using var fake = FakeNatsServer.Start();
        await using var connection = new NatsConnection(
            Opts(new NatsTlsOpts()) with { Url = fake.Url, Username = "u", Password = "canary" });
        var connecting = connection.ConnectAsync().AsTask();
        using var peer = await fake.AcceptAsync();
        await peer.SendAsync(peer.Info());
        (await Should.ThrowAsync<NatsException>(connecting.WaitAsync(Bound))).Error.ShouldBe(NatsError.Tls);
        (await peer.ReadLineAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task Bytes_slipped_in_behind_info_in_front_of_tls_are_refused()
    {
        await using var fake = FakeNatsServer.Start();
        await using var connection = new NatsConnection(Opts(new NatsTlsOpts()) with { Url = fake.Url });
        var connecting = connection.ConnectAsync().AsTask();
        using var peer = await fake.AcceptAsync();
        await peer.SendAsync(peer.Info(",\"tls_required\":true") + "PING\r\n");
        var error = await Should.ThrowAsync<NatsException>(connecting.WaitAsync(Bound));
        error.Error.ShouldBe(NatsError.Tls);
        error.Message.ShouldContain("in clear");
    }

    private NatsOpts Opts(NatsTlsOpts tls) => new()
    {
        Url = $"nats://127.0.0.1:{_server.Port}",
        Tls = tls,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        RequestTimeout = TimeSpan.FromSeconds(20),
    };

    private string Pem(string name) => Path.Combine(_folder, name + ".pem");
}
