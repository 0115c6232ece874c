using Sync.Hosting;
using Sync.InsightHost;

return await ServiceRun.RunAsync(() => InsightHostApp.Build(args), InsightHostApp.UrlsSetting);
