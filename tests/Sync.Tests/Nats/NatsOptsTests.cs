using Shouldly;
using Sync.Nats;
using Xunit;

namespace Sync.Tests.Nats;

public sealed class NatsOptsTests
{
    public static TheoryData<NatsOpts, string> Wrong => new()
    {
        { new NatsOpts { Url = "" }, "NatsOpts.Url" },
        { new NatsOpts { Url = "http://host" }, "NatsOpts.Url" },
        { new NatsOpts { Url = "nats://u:canary@host:99999999" }, "NatsOpts.Url" },
        { new NatsOpts { InboxPrefix = "a.*" }, "NatsOpts.InboxPrefix" },
        { new NatsOpts { PingInterval = TimeSpan.Zero }, "NatsOpts.PingInterval is 00:00:00; must be" },
        { new NatsOpts { MaxPingOut = 0 }, "NatsOpts.MaxPingOut is 0; must be 1..10 pings" },
        { new NatsOpts { PendingBytesMax = 1 }, "NatsOpts.PendingBytesMax is 1; must be 65536..1073741824 bytes" },
        { new NatsOpts { ReconnectWaitMax = TimeSpan.FromMilliseconds(1) }, "NatsOpts.ReconnectWaitMax" },
        { new NatsOpts { Token = "canary", Username = "u" }, "NatsOpts.Token" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_option_is_named_with_its_range_and_without_secrets(NatsOpts opts, string text)
    {
        var error = Should.Throw<NatsException>(() => new NatsConnection(opts));
        error.Error.ShouldBe(NatsError.InvalidOptions);
        error.Message.ShouldContain(text);
        error.Message.ShouldNotContain("canary");
    }

    [Fact]
    public void Secrets_are_not_printed()
    {
        var opts = new NatsOpts
        {
            Url = "nats://u:canary@host:4222,nats://canary@other",
            Username = "me",
            Password = "canary",
            Token = "canary",
        };
        opts.ToString().ShouldNotContain("canary");
        opts.ToString().ShouldContain("host:4222");
        new NatsCredentials { Username = "u", Password = "canary", Token = "canary" }.ToString()
            .ShouldNotContain("canary");
        new NatsHeaders { { "Authorization", "canary" } }.ToString().ShouldNotContain("canary");
    }
}
