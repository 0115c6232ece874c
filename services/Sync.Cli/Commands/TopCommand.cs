using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using Sync.Cli.Status;

namespace Sync.Cli.Commands;

/// <summary><c>sync top</c>: <c>sync status</c>, again and again.</summary>
internal static class TopCommand
{
    private const double IntervalMin = 0.2;
    private const double IntervalMax = 60;
    private static readonly TimeSpan KeyEvery = TimeSpan.FromMilliseconds(100);

    public static Command Build()
    {
        var addresses = new ServiceAddresses();
        var interval = new Option<double>("--interval")
        {
            Description = string.Create(CultureInfo.InvariantCulture, $"Seconds between two looks, {IntervalMin} to {IntervalMax}"),
            DefaultValueFactory = _ => 1,
        };
        interval.Validators.Add(option =>
        {
            if (option.GetValueOrDefault<double>() is not (>= IntervalMin and <= IntervalMax))
                option.AddError(string.Create(CultureInfo.InvariantCulture, $"--interval must be {IntervalMin} to {IntervalMax} seconds"));
        });
        var command = new Command(
            "top",
            """
            Show how the services stand, live: what sync status prints, and facts committed in a second. q or Ctrl-C ends it.

            Into a file or a pipe each look is printed behind the one before; with --json as one line.
            """) { interval };
        addresses.AddTo(command);
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection =>
            TopAsync(connection, addresses.Of(parsed, connection), TimeSpan.FromSeconds(parsed.GetValue(interval)), stop)));
        return command;
    }

    private static async Task<int> TopAsync(
        Connection connection, IReadOnlyList<ServiceAddress> addresses, TimeSpan interval, CancellationToken stop)
    {
        using var http = connection.Http();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var quitting = QuitAsync(end);
        try
        {
            var first = await ServiceStatus.AskAllAsync(http, addresses, end.Token);
            if (first.All(service => service.Status is null))
                return Run.Fail(connection, $"{first[0].Name} {first[0].Url} {first[0].Error}", ExitCode.Unreachable);
            await ShowAsync(connection, async show =>
            {
                using var ticks = new PeriodicTimer(interval);
                var rate = new CommitRate(TimeProvider.System);
                show(first, rate.Next(first));
                while (await ticks.WaitForNextTickAsync(end.Token))
                {
                    var services = await ServiceStatus.AskAllAsync(http, addresses, end.Token);
                    show(services, rate.Next(services));
                }
            });
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // Asked to end: that is how it ends.
        }
        finally
        {
            await end.CancelAsync();
            await quitting;
        }
        return ExitCode.Done;
    }

    private static Task ShowAsync(Connection connection, Func<Action<IReadOnlyList<ServiceStatus>, double?>, Task> looks)
    {
        if (connection.Json) return looks((services, _) => Output.Json(json => ServiceStatus.Write(json, services)));
        StatusView.FitOutput();
        if (Console.IsOutputRedirected) return looks((services, rate) => AnsiConsole.Write(View(services, rate)));
        return AnsiConsole.Live(new Text("")).Overflow(VerticalOverflow.Crop).StartAsync(live => looks((services, rate) =>
        {
            live.UpdateTarget(View(services, rate));
            live.Refresh();
        }));
    }

    private static Rows View(IReadOnlyList<ServiceStatus> services, double? rate) => new(new IRenderable[]
    {
        new Text(string.Create(CultureInfo.InvariantCulture,
            $"{TimeProvider.System.GetLocalNow():HH:mm:ss}  {(rate is { } facts ? $"{facts:N1} facts/s" : "- facts/s")}")),
        StatusView.Of(services),
    });

    private static async Task QuitAsync(CancellationTokenSource end)
    {
        if (Console.IsInputRedirected || Console.IsOutputRedirected) return;
        using var ticks = new PeriodicTimer(KeyEvery);
        try
        {
            while (await ticks.WaitForNextTickAsync(end.Token))
                while (Console.KeyAvailable)
                    if (Console.ReadKey(intercept: true).Key == ConsoleKey.Q) await end.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // Ended otherwise.
        }
    }
}
