using System.Numerics;

namespace Sync.Nats.Internal;

/// <summary>Checks options once, so that no later code meets a value it cannot work with.</summary>
internal static class OptsValidation
{
    public static void Validate(this NatsOpts opts)
    {
        ServerAddress.ParseList(opts.Url);
        if (opts.Name.Length > 256)
            throw new NatsException(NatsError.InvalidOptions,
                $"NatsOpts.Name has {opts.Name.Length} characters; must be 0..256");
        if (!Subjects.IsValidPublish(opts.InboxPrefix))
            throw new NatsException(NatsError.InvalidOptions,
                "NatsOpts.InboxPrefix is not a valid subject without wildcards");
        if (opts.Token is not null && (opts.Username is not null || opts.Password is not null))
            throw new NatsException(NatsError.InvalidOptions,
                "NatsOpts.Token is set beside Username or Password; must be one or the other");

        Time(nameof(opts.ConnectTimeout), opts.ConnectTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5));
        Time(nameof(opts.RequestTimeout), opts.RequestTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Time(nameof(opts.PublishTimeout), opts.PublishTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Time(nameof(opts.PingInterval), opts.PingInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        Time(nameof(opts.ReconnectWaitMin), opts.ReconnectWaitMin, TimeSpan.FromMilliseconds(1),
            TimeSpan.FromMinutes(1));
        Time(nameof(opts.ReconnectWaitMax), opts.ReconnectWaitMax, opts.ReconnectWaitMin, TimeSpan.FromMinutes(10));
        Time(nameof(opts.ReconnectJitter), opts.ReconnectJitter, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Range(nameof(opts.MaxPingOut), opts.MaxPingOut, 1, 10, "pings");
        Range(nameof(opts.MaxReconnectRounds), opts.MaxReconnectRounds, -1, int.MaxValue, "rounds");
        Range(nameof(opts.PendingBytesMax), opts.PendingBytesMax, 64 * 1024, 1 << 30, "bytes");
        Range(nameof(opts.PendingWaitersMax), opts.PendingWaitersMax, 1, 1_000_000, "calls");
        Range(nameof(opts.WriterBatchBytes), opts.WriterBatchBytes, 4096, 4 << 20, "bytes");
        Range(nameof(opts.ReaderBufferBytes), opts.ReaderBufferBytes, 4096, 4 << 20, "bytes");
        Range(nameof(opts.SubscriptionMessagesMax), opts.SubscriptionMessagesMax, 1, 10_000_000, "messages");
        Range(nameof(opts.SubscriptionBytesMax), opts.SubscriptionBytesMax, 1, 16L << 30, "bytes");
        Range(nameof(opts.SubscriptionsMax), opts.SubscriptionsMax, 1, 1_000_000, "subscriptions");
        Range(nameof(opts.RequestsMax), opts.RequestsMax, 1, 1_000_000, "requests");
        Range(nameof(opts.ControlLineBytesMax), opts.ControlLineBytesMax, 512, 64 * 1024, "bytes");
        Range(nameof(opts.MessageBytesMax), opts.MessageBytesMax, 1024, 64 << 20, "bytes");
        Range(nameof(opts.HeaderBytesMax), opts.HeaderBytesMax, 64, 1 << 20, "bytes");
    }

    private static void Range<T>(string name, T value, T min, T max, string unit)
        where T : INumber<T>
    {
        if (value < min || value > max)
            throw new NatsException(NatsError.InvalidOptions,
                $"NatsOpts.{name} is {value}; must be {min}..{max} {unit}");
    }

    private static void Time(string name, TimeSpan value, TimeSpan min, TimeSpan max)
    {
        if (value < min || value > max)
            throw new NatsException(NatsError.InvalidOptions, $"NatsOpts.{name} is {value}; must be {min}..{max}");
    }
}
